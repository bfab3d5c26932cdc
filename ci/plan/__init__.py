"""Pure: (Pipeline, packages, Live) -> Plan. No I/O, no clock."""
