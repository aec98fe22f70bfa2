"""How fast scenehash is on this machine, stage by stage, and what to set to make it so."""
