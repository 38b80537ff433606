"""Local models: finding, verifying and running the weights that live on this machine, without torch.

`weights` finds and verifies files, `fetch` brings them, `graph` writes the network for ONNX Runtime,
`encoder` runs it. Importing this package imports none of the heavy libraries.
"""
