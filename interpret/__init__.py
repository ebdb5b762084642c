"""What have the kernels learnt? Responses, poles and masks of a trained network, against nulls."""
