"""The base class of Spark_MLlib packages."""

import json

from model_service import predictive
from model_service.serving import ServingBaseService


class SparkServingBaseService(ServingBaseService):
    """Serves the pipeline saved at model_path; self.spark is the session, requests arrive as JSON text."""

    takes_text = True

    def __init__(self, model_path):
        from pyspark.sql import SparkSession

        self.model_path = model_path
        self.spark = SparkSession.builder.master("local[1]").appName("model").getOrCreate()

    def load(self):
        """Load the pipeline, once."""
        if not hasattr(self, "_loaded"):
            from pyspark.ml import PipelineModel

            self._loaded = PipelineModel.load(self.model_path)
        return self._loaded

    def _preprocess(self, data):
        return self.spark.createDataFrame(predictive.rows(json.loads(data)))

    def _inference(self, data):
        return self.load().transform(data)

    def _postprocess(self, data):
        return data.toPandas().to_json(orient="records")
