"""Half precision: the typed FP16 graph, what it costs, and which nodes must stay in FP32."""
