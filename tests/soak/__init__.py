"""An hour of load: whether every key of the store keeps within its bound, and every process's memory levels off."""
