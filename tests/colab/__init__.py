"""The lessons on a runtime like Colab's."""
