"""Pages served by the service itself; they load nothing from anywhere else."""
