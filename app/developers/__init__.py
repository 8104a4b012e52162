"""What a partner's developer reads. Every number, field, address and error code on the pages comes from the code."""
