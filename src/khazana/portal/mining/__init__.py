"""Pages of mining: energy in, bitcoin expected, bitcoin arrived, and what could go missing."""
