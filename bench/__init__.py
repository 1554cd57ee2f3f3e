"""Measurements, each beside a floor or a peer in the same run; they print ratios and judge nothing."""
