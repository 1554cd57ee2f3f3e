"""Many files of questionnaires scored as one: partition by partition, here or on many machines, to the same bytes."""
