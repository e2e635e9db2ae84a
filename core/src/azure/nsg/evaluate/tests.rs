mod examples;
mod oracle;
