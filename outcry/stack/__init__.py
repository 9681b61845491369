"""The exchange as processes of one machine: a store, engines and gateways, started and ended by one supervisor."""
