# From a bucket that CloudTrail writes to, to a queue that Trailbeat reads, with no right more than that needs.
#
#   terraform init && terraform apply -var bucket=example-org-trail
#
# The bucket and the trail exist already. S3 has one notification configuration for each bucket: where others listen to it as well,
# set notify = false and add the queue to theirs.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "bucket" {
  description = "Name of the bucket that CloudTrail writes to."
  type        = string
}

variable "prefix" {
  description = "Prefix of the trail's files, as set in the trail, with a slash at its end. Empty: none."
  type        = string
  default     = ""
}

variable "name" {
  description = "Name of the queue, the role and the policy."
  type        = string
  default     = "trailbeat"
}

variable "kms_key_arn" {
  description = "Key that the trail's files are encrypted with. Empty: they are encrypted by S3 itself."
  type        = string
  default     = ""
}

variable "assume_role_policy" {
  description = "Who may take the role, as JSON: a service account of a cluster, an instance, a function. Empty: no role is made."
  type        = string
  default     = ""
}

variable "notify" {
  description = "Set the bucket's notification configuration, which replaces the one that it has."
  type        = bool
  default     = true
}

data "aws_s3_bucket" "trail" {
  bucket = var.bucket
}

data "aws_caller_identity" "this" {}

# What was received ten times and never done waits here for somebody to look at it.
resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "trail" {
  name                       = var.name
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 300
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 10
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.trail.arn]
  })
}

data "aws_iam_policy_document" "send" {
  statement {
    sid       = "BucketTellsOfNewObjects"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.trail.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [data.aws_s3_bucket.trail.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
  statement {
    sid       = "OnlyEncrypted"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.trail.arn]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "trail" {
  queue_url = aws_sqs_queue.trail.id
  policy    = data.aws_iam_policy_document.send.json
}

resource "aws_s3_bucket_notification" "trail" {
  count  = var.notify ? 1 : 0
  bucket = data.aws_s3_bucket.trail.id
  queue {
    queue_arn     = aws_sqs_queue.trail.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "${var.prefix}AWSLogs/"
    filter_suffix = ".json.gz"
  }
  depends_on = [aws_sqs_queue_policy.trail]
}

# The same that "trailbeat export iam-policy" prints for the input.
data "aws_iam_policy_document" "read" {
  statement {
    sid = "ReceiveMessages"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ReceiveMessage",
    ]
    resources = [aws_sqs_queue.trail.arn]
  }
  statement {
    sid       = "ReadFiles"
    actions   = ["s3:GetObject"]
    resources = ["${data.aws_s3_bucket.trail.arn}/${var.prefix}AWSLogs/*"]
  }
  dynamic "statement" {
    for_each = var.kms_key_arn == "" ? [] : [var.kms_key_arn]
    content {
      sid       = "DecryptFiles"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_policy" "read" {
  name   = var.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role" "this" {
  count              = var.assume_role_policy == "" ? 0 : 1
  name               = var.name
  assume_role_policy = var.assume_role_policy
}

resource "aws_iam_role_policy_attachment" "read" {
  count      = var.assume_role_policy == "" ? 0 : 1
  role       = aws_iam_role.this[0].name
  policy_arn = aws_iam_policy.read.arn
}

output "queue_url" {
  description = "For queue_url of the input."
  value       = aws_sqs_queue.trail.url
}

output "policy_arn" {
  description = "The rights of the shipper."
  value       = aws_iam_policy.read.arn
}

output "role_arn" {
  description = "The role of the shipper; empty where none was made."
  value       = one(aws_iam_role.this[*].arn)
}
