"""Answers → what a person sees: text, HTML, plots. Every string of a report is escaped here."""
