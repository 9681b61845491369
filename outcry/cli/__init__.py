"""The command's subcommands: one module each, imported when it is run.

`app` knows their names and first lines, and imports none of them. What they share: `parameters`, `report_file`,
`running`, and `forwarding` of a service's own command line.
"""
