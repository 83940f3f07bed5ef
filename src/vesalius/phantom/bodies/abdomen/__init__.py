"""The abdomen: wall, organs, vessels, contrast and what is wrong."""
