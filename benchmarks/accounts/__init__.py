"""What accounts and limits cost the engine, beside itself without them and beside another build."""
