project = "Two minutes of night"
extensions = ["embedkit.integrations.sphinx"]  # with MyST: "myst_parser" as well
exclude_patterns = ["built"]
