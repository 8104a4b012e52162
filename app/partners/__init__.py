"""Partners and their apps: what a partner says about itself, and what its apps may do."""
