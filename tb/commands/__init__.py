"""Lists of commands for the tests of the core."""
