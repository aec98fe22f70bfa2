"""Hash learning on the workstation: data sets, backbones, recipes, runs, evaluation."""
