//! nf_tables: from netlink messages to the rule model.
