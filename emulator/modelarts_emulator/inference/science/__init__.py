"""Forecasts of weather, ocean and air: climatology plus what the wind carries along, on a coarse grid."""
