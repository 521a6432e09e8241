"""What effects are made of: the mathematics of operations, each part in a module of its own."""
