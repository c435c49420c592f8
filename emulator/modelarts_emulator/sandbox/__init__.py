"""Where user code runs: namespaces of the kernel around a process."""
