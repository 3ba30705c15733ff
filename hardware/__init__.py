"""The box: hotspot, ports, power, units, image."""
