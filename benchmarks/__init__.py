"""Measurements side by side; each module is a program that prints its figures and the bars."""
