"""Measurements that anybody can repeat: `gatehouse bench`. Each compares with something measured in the same run."""
