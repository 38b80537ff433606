"""From a source to a snapshot that can be searched: loaders, chunkers, embedders, indexes, retrievers."""
