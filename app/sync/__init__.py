"""The MIS sync wizard: a school's people become users of a partner's app, by choices that the school makes once."""
