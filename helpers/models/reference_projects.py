"""The five published student projects that the course learns from: who wrote them, for whom, what they did well."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceProject:
    """One of the five projects that the course learns from.

    Attributes:
        key: "S0" to "S4", the short name in the lessons.
        title, authors, year, link: as far as the report gives them; empty where it doesn't.
        dataset: name of its data set in the course.
        data_link: of the data, as the report gives it; empty where it doesn't.
        stakeholder: whom the report is written for, and what for.
        criterion: what the project asked of a model.
        strengths: what it did well, in sentences.

    Example:
        >>> REFERENCE_PROJECTS["S0"].dataset, len(REFERENCE_PROJECTS)
        ('concrete_cracks', 5)
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int | None
    link: str
    dataset: str
    data_link: str
    stakeholder: str
    criterion: str
    strengths: tuple[str, ...]

    @property
    def credit(self) -> str:
        """Authors and title in one line, for a reference list."""
        authors = ", ".join(self.authors) or "authors not named"
        return f"{authors}: “{self.title}”" + (f", {self.year}" if self.year else "")


_PAUL_MOONEY = "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"

REFERENCE_PROJECTS: dict[str, ReferenceProject] = {
    project.key: project
    for project in (
        ReferenceProject(
            key="S0",
            title="Surface Crack Detection using CNN for NYC Department of Buildings",
            authors=("Jae Heon Kim",),
            year=None,
            link="https://colab.research.google.com/github/jaeheonk817/project_surface-crack-detection/blob/main/"
            "main_notebook.ipynb",
            dataset="concrete_cracks",
            data_link="https://www.kaggle.com/datasets/arunrk7/surface-crack-detection",
            stakeholder="New York City's Department of Buildings, whose inspections of façades are outdated, costly, "
            "slow and late",
            criterion="recall first, because a missed crack endangers people, then accuracy",
            strengths=(
                "It says whom a missed crack hurts, and makes recall its first metric because of that.",
                "Six models in steps that a reader can follow, from one convolution to transfer learning.",
                "It looks at the winner's errors one by one, and finds a label that seems wrong.",
                "Its advice names people and actions: time series of a wall, video, 3D data by the department's legal "
                "power, cheaper photographers.",
            ),
        ),
        ReferenceProject(
            key="S1",
            title="Image Classification of Chest X-ray Images of Pneumonia With Neural Networks",
            authors=(
                "Kellen Kinya",
                "Susan Kanyora",
                "Brian Kisilu",
                "Steve Githinji",
                "William Onsare",
                "Daniel Ekale",
            ),
            year=None,
            link="https://github.com/stevegithinji/Image-Classification-Chest-X-Ray-Images-Pneumonia-/tree/master",
            dataset="chest_xray",
            data_link=_PAUL_MOONEY,
            stakeholder="a health center that treats patients and also trains radiologists",
            criterion="accuracy above .85 and recall above .65",
            strengths=(
                "It sets its targets before it trains, and admits that it missed one of them.",
                "It opened the test for two of its seven models only.",
                "Its exploration counts the classes in every split and plots the image sizes.",
                "It shows which layers are trainable and which are frozen before it trains.",
            ),
        ),
        ReferenceProject(
            key="S2",
            title="Identifying Pneumonia using Convolutional Neural Networks",
            authors=("Kevin Spring",),
            year=2023,
            link="https://medium.com/@kevinjspring/"
            "deploy-an-image-classification-model-in-minutes-with-streamlit-92e0f63b31b8",
            dataset="chest_xray",
            data_link="",
            stakeholder="a health insurer that covers more rural hospitals and wants to relieve their radiologists",
            criterion="accuracy, recall and specificity of at least .90, false-negative rate of at most .05",
            strengths=(
                "It is the only one of the five that chose on a validation set before it opened the test.",
                "It wrote down when it would accept a model before it trained one.",
                "It used class weights against the imbalance, and metrics such as sensitivity at specificity .9.",
                "It tried X-rays from outside the data set, and put the model into an app.",
            ),
        ),
        ReferenceProject(
            key="S3",
            title="Deep Learning Project Report",
            authors=("Catarina Candeias", "Mohamed Elbawab", "Rita Ferreira", "Tiago Gonçalves"),
            year=None,
            link="",
            dataset="monuments",
            data_link="",
            stakeholder="anyone who searches the web for images of one statue and gets the other",
            criterion="accuracy",
            strengths=(
                "It collected its own data, from 2,315 addresses to 973 images, and counted every loss on the way.",
                "It says itself that choosing epochs and models by the test score risks overfitting to it.",
                "It looked where its model looks, with class activation heatmaps over test images.",
                "The appendix prints every layer of every network.",
            ),
        ),
        ReferenceProject(
            key="S4",
            title="Phase 4 Project - Image Classification",
            authors=(),
            year=2021,
            link="",
            dataset="chest_xray",
            data_link="https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia",
            stakeholder="not named in the report",
            criterion="recall of pneumonia, and the precision of “normal” (negative predictive value)",
            strengths=(
                "It asks the question behind a negative answer: how many of the X-rays called normal are normal?",
                "It names the majority-class baseline before it judges, and the imbalance.",
                "It prints a confusion matrix for every model, so every share can be checked.",
                "It lists a custom loss, pretrained models and more data as next steps.",
            ),
        ),
    )
}
