"""The cells that a new lesson begins with: the shape of the others, with parts to replace."""

# Kind and text of each cell; NUMBER and TITLE are filled in. "empty" is a cell to write into.
CELLS = (
    ("text", """# NUMBER · TITLE

The question of this lesson in one paragraph: what somebody wants to know, and why it matters. Here: a camera looks at
concrete walls. Can a network of two convolutions tell a crack from a clean wall?"""),
    ("code", """import helpers

run = helpers.start(lesson="NUMBER", seed=7)

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from sklearn.metrics import RocCurveDisplay, roc_auc_score

from helpers.data import load_dataset"""),
    ("code", """cracks = load_dataset(
    "concrete_cracks",
    image_size=32,
    color_mode="grayscale",
    max_images=run.images(1000),
    test="lesson",
)
figure, axes = plt.subplots(1, 6, figsize=(8, 1.6), layout="constrained")
for ax, image in zip(axes, cracks.train.images):
    ax.imshow(image, cmap="gray", vmin=0, vmax=255)
    ax.set_axis_off()
figure.suptitle("Which of these walls are cracked?")
plt.show()"""),
    ("text", """**You will learn** to

- compute one thing by hand,
- train a network that does it for you,
- and say how far to trust its score.

**Time**: 45 minutes of teaching, 20 minutes of exercises; 30 seconds of computing on two cores. **Memory**: about 1 GB.
**Before**: lesson 3.2.

## How do we find an edge?

Explain the idea, then do it once with numbers small enough to check in your head. A crack is a dark line, so
neighboring pixels differ. The difference of neighbors finds the edge:"""),
    ("code", """# NBVAL_CHECK_OUTPUT
row = np.array([9, 9, 2, 9, 9])
print(np.diff(row))"""),
    ("text", """Two values are not zero: the left and the right edge of the dark pixel.

### Exercise 1 (5 minutes)

What does the difference find in `[1, 2, 3, 4, 5]`, which gets steadily brighter? Compute it in the next cell. The cell
after it has a solution, folded."""),
    ("empty", ""),
    ("solution", """slope = np.array([1, 2, 3, 4, 5])
print(np.diff(slope))  # the same everywhere: a slope has no edge"""),
    ("text", """## How many weights does it take?

Keras' `Conv2D` learns such differences from labeled images."""),
    ("code", """model = keras.Sequential(
    [
        keras.Input((32, 32, 1)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.summary()"""),
    ("text", """## What will the loss do?

**Predict before you run.** Will the validation loss end above or below the training loss, and how far apart? Write your
guess into the next cell."""),
    ("code", """my_guess = {"validation loss minus training loss": ...}"""),
    ("code", """model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
history = model.fit(
    cracks.train.batches,
    validation_data=cracks.val.batches,
    epochs=run.epochs(8),
    verbose=0,
).history"""),
    ("code", """figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(history["loss"], label="training")
ax.plot(history["val_loss"], label="validation")
ax.set(xlabel="epoch", ylabel="loss", title="Do the two curves part?")
ax.legend()
plt.show()"""),
    ("text", """<details><summary>What happened?</summary>

Say what the curves did and why. In a network this small, they stay close together.
</details>

## How good is it?

The images of the lesson test have trained nothing and chosen nothing."""),
    ("code", """prob = model.predict(cracks.test.images, verbose=0)[:, 0]
auc = roc_auc_score(cracks.test.labels, prob)
print(f"AUC on the {len(prob)} images of the lesson test: {auc:.2f}")
run.claim("The network ranks walls better than a coin does", auc > 0.5)"""),
    ("code", """figure, ax = plt.subplots(figsize=(4, 4), layout="constrained")
RocCurveDisplay.from_predictions(cracks.test.labels, prob, ax=ax)
ax.set_title("How many false alarms does each crack cost?")
plt.show()"""),
    ("text", """Say what was found, with its interval.

### Exercise 2 (15 minutes)

At the threshold .5, how many cracked walls does the network miss? Count them in the next cell."""),
    ("empty", ""),
    ("solution", """cracked = cracks.test.labels == 1
missed = np.sum(cracked & (prob < 0.5))
print(f"{missed} of {cracked.sum()} cracked walls are missed")"""),
    ("text", """## Takeaways

- The first thing to take home, in one sentence.
- The second one.
- And the third.

## Common mistakes

- **Choosing the threshold on test images.** The score is then too good; choose it on the validation split.
- **Another mistake, named by its kind**, and what it costs.

## Check yourself

<details><summary>1. Why is the difference of neighbors zero on a plain wall?</summary>

All neighbors are equally bright.
</details>

<details><summary>2. What does an AUC of .5 mean?</summary>

The network ranks a cracked and a clean wall in the right order as often as a coin does.
</details>

<details><summary>3. Why does this lesson leave the sealed test closed?</summary>

Whatever is chosen by a test's score makes that score too good. A case study opens the sealed test.
</details>

## References

- [Conv2D](https://keras.io/api/layers/convolution_layers/convolution2d/), in the Keras API reference.
- [Metrics and scoring](https://scikit-learn.org/stable/modules/model_evaluation.html), in the scikit-learn user guide.
- [Convolutional neural networks](https://d2l.ai/chapter_convolutional-neural-networks/index.html), in *Dive into Deep
  Learning*.

## Next

What comes next, and why."""),
)  # fmt: skip
