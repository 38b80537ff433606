"""The only place where settings become objects and rooms are introduced to each other."""
