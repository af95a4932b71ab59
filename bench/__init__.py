"""The benchmark of the real-time path: what Folkmoot does, beside the limit of the machine and other servers."""
