"""What every layer may use: faults, axes, random streams and the register of quantities."""
