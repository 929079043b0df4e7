# The shipper as a function that the queue of ../terraform calls. The package is a zip file with the binary, named bootstrap, and
# trailbeat.yml. In a function the program knows by itself what to do (trailbeat lambda --help); built without the tag lambda.norpc it
# cannot.
#
#   GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -trimpath -ldflags='-s -w' -o bootstrap ./cmd/trailbeat
#   zip trailbeat.zip bootstrap trailbeat.yml
#
# In the configuration: one input aws-s3 with queue_url, output.elasticsearch, dead_letter.output: data_stream.

variable "package" {
  description = "Path of the zip file."
  type        = string
  default     = "trailbeat.zip"
}

variable "queue_arn" {
  description = "The queue that calls the function."
  type        = string
}

variable "role_arn" {
  description = "Role of the function: the policy of ../terraform and AWSLambdaBasicExecutionRole."
  type        = string
}

resource "aws_lambda_function" "trailbeat" {
  function_name    = "trailbeat"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  role             = var.role_arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = 512
  # The visibility timeout of the queue must be longer; AWS advises six times as long.
  timeout = 50
  # Bounds the connections to the cluster.
  reserved_concurrent_executions = 10
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn                   = var.queue_arn
  function_name                      = aws_lambda_function.trailbeat.arn
  batch_size                         = 10
  maximum_batching_window_in_seconds = 1
  # Messages that are done are deleted, those that failed come again.
  function_response_types = ["ReportBatchItemFailures"]
}
