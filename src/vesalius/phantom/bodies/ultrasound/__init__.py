"""What a probe's beam meets, and how echoes are shown."""
