"""How fast what a store holds is: engines by batch, below the machine's roof, and the pipeline beside insightface."""
