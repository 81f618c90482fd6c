"""Human feedback: pairs of completions, the page that shows them, and the answers that are kept."""
