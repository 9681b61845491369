"""`outcry top`: an exchange's processes and its users at one moment, for operators."""
