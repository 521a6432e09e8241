"""Where pictures come from: one file per kind of place, chosen by the scheme of a SourceRef."""
