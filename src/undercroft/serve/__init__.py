"""The processes: what `undercroft serve` starts, wires together, watches and stops. Here alone drivers are chosen."""
