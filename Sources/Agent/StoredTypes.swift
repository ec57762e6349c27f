import Metadata

// What the volume keeps and what travels have the same names; this tells which is meant. It stands
// in a file of its own because only here one of the two modules is imported.

typealias StoredTag = Tag
