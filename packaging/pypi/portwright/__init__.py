"""The program portwright, as a package."""
