"""The intent classifier: a linear model over words and character n-grams, the same code as the gateway's triage."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.domain.ngrams import LinearModel
from bot.domain.normalise import normalise
from bot.fitting import fit
from bot.hurry import with_hurried

RANKED = 10
FILE = "intents.npz"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(IntentClassifier, GraphComponent):
    """Sets `intent` and `intent_ranking` from the words alone, in every language at once."""

    def __init__(self, config: Dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._strength = float(config["strength"])
        self._balance = float(config["balance"])
        self._storage = storage
        self._resource = resource
        self._model: Any = None

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`strength`: the inverse of the regularisation; `balance`: how far rare intents are made up for (bot/fitting.py)."""
        return {"strength": 1.0, "balance": 0.5}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LinearIntentClassifier:
        """A classifier to be trained."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the model and keep it."""
        examples = [item for item in training_data.intent_examples if item.get(TEXT)]
        texts, labels = with_hurried([item.get(TEXT) for item in examples], [item.get(INTENT) for item in examples])
        self._model = fit(
            [normalise(text) for text in texts],
            labels,
            strength=self._strength,
            balance=self._balance,
            originals=len(examples),
        )
        with self._storage.write_to(self._resource) as folder:
            self._model.save(folder / FILE)
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LinearIntentClassifier:
        """The trained classifier."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._model = LinearModel.load(folder / FILE)
        return component

    def process(self, messages: List[Message]) -> List[Message]:
        """Classify each message that has words; a tapped payload has its intent already."""
        for message in messages:
            normalised = normalise(message.get(TEXT) or "")
            if not normalised:
                continue
            probabilities = self._model.probabilities(normalised)
            order = probabilities.argsort()[::-1][:RANKED]
            ranking = [
                {INTENT_NAME_KEY: self._model.labels[index], PREDICTED_CONFIDENCE_KEY: float(probabilities[index])}
                for index in order
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages
