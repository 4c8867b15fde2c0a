"""Tests of Relais: each states a rule of the helpline."""
