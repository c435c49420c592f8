"""What is computed from collections of pictures: proposals of labels, groups, selections, changed pictures."""
