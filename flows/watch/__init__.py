"""Media that arrive start runs by themselves: in a folder, or in a bucket."""
