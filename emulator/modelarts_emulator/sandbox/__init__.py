"""Where user code runs: namespaces of the kernel around a process, limits, and Landlock where there are none."""
