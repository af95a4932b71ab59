"""The examples, run as their READMEs say: real programs on ports of their own."""
