"""Faults of the machine below: disks, the network, descriptors, memory, the clock. They need root and Linux."""
